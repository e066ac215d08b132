"""Gather and join: what each verb does, without a word printed."""

"""The packet filter's rules as the kernel holds them: nftables, iptables over nftables, iptables of its own."""

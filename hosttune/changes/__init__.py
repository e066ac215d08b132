"""Make it so, or undo it: findings become ordered changes, a journal keeps the way back, a transaction makes them."""

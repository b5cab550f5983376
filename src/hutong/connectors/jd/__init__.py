"""京东: its gateway, and beside it the alliance (京东联盟) that promotes its goods."""

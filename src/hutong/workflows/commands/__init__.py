"""One transaction over several domains each: start a checkout, pay, take a notice, refund, pull, push, ship."""

"""What a plug-in must offer: the ports, and the values that cross them."""

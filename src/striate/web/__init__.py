"""What is reached over the network: a server (`striate.web.server`), and who asks one. No torch."""

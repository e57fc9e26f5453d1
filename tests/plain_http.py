"""What clients in tests trust that speak plain HTTP: to load all the world's certificates takes each of them 20 ms."""

import ssl

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

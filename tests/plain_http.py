"""What clients in tests trust that speak plain HTTP and read nothing of the environment.

To load all the world's certificates takes each of them 20 ms; the others are told by `SSL_CERT_DIR`, see `conftest`.
"""

import ssl

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

"""Uploads: files from people we do not know, quarantined sealed, shown only as pictures of themselves.

    received = intake.receive(stream, folder, declared_name=…)      never on disk but as ciphertext
    derivative = derivative.convert(received.kind, intake.read_back(received.path, received.key))
    headers = derivative.headers_for_derivative(mime)

No framework: bytes and files in, results out. Sentences are marked for translation (sentences.py) and translated by
whoever shows them.
"""

"""Opening an identity by two custodians: asked, approved in another body, cooled off, released, answered, told to her."""

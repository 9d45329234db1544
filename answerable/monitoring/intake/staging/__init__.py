"""A file on its way in: sealed while it arrives, checked in stretches, and nothing of it kept before all of it is.

The file lies sealed beside the database under a key that only the browser (or the command) of whoever sent it has: the
server holds ciphertext. Rows that pass are sealed by the vault and written to a second file as the database will take
them; the one act at the end moves that file in. So a run can be stopped and resumed at any row, costs the same memory
for a hundred rows and a hundred thousand, and a run that is never ended leaves nothing behind but what a sweep removes.
"""

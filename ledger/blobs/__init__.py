"""Blobs: the files that parties anchor, kept by what they are.

A blob is named by the SHA-256 of its bytes and by nothing else, so a name can neither lie about its content nor lead
out of the store. `contract` promises what every store of blobs keeps. `directory_blobs` keeps it in a directory:

    blobs/incoming/.incoming-5f1d…   being received, nobody's yet
    blobs/2c/f2/2cf24dba…9824        the five bytes "hello", durable

`s3_blobs` keeps it in a bucket of an S3-compatible object store (`s3_names` has its keys). `opening` knows which it is.

The order of DESIGN §4 starts here: the blob is durable before its entry, the entry before its receipt.
"""

"""Methods that the paper compares with, each in its simplest faithful form."""

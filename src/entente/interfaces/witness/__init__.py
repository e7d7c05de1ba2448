"""The door that logs call for a cosignature (C2SP tlog-witness)."""

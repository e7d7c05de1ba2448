"""`share`, onward release and recall."""

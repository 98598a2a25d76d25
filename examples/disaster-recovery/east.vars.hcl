# The site that works every day.
region = "us-east-1"
nodes  = 24

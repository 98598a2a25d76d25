# The site that takes over: smaller, until it is needed.
region = "us-west-2"
nodes  = 2

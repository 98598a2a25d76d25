# Four identical nodes, and nothing to fill in:
#   cluster up --rehearse examples/quickstart.hcl
cluster "quickstart" {
  image {
    name   = "al2023-ami-2023.*-x86_64" # the newest match, from this owner only
    owners = ["amazon"]
  }
  group "compute" {
    count         = 4
    instance_type = "c7i.large"
  }
}

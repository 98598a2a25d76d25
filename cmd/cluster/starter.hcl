# One file is one cluster. Try it first without an account:
#
#   cluster plan FILE --rehearse     what would be done, and why
#   cluster up FILE --rehearse       launch, wait, prove all nodes identical
#   cluster down FILE --rehearse     terminate everything
#
# Without --rehearse the same commands use your AWS credentials.

# Values can come from outside: --var nodes=64, --var-file, CLUSTER_VAR_nodes.
variable "nodes" {
  type        = number
  default     = 4
  description = "compute nodes"
  validation {
    condition     = var.nodes >= 1
    error_message = "At least one node."
  }
}

cluster "demo" {
  # Else --region, AWS_REGION or your profile decides.
  # region = "us-east-1"

  # On every instance and volume.
  tags = { project = "demo" }

  # The newest image of a name, and whose: anybody may use any name. Or exactly
  # one image: id = "ami-0123456789abcdef0".
  image {
    name   = "al2023-ami-2023.*-x86_64"
    owners = ["amazon"]
  }

  # Subnets are tried in order. Without this block: the default VPC.
  # network {
  #   subnets         = ["subnet-0123456789abcdef0"]
  #   security_groups = ["sg-0123456789abcdef0"]
  #   key_name        = "me"
  # }

  group "head" {
    count         = 1
    instance_type = "c7i.xlarge"
  }

  group "compute" {
    count = var.nodes

    # In order of preference; one type for the whole group.
    instance_types = ["c7i.4xlarge", "c7i.8xlarge"]

    # Close together in one zone: cluster. Also spread, partition, none.
    placement = "cluster"

    # market = "spot"
    # efa    = true

    root_volume {
      size = 50
      type = "gp3"
    }

    # All nodes or none. To accept fewer: min = 3 in place of all.
    launch {
      all     = true
      timeout = "15m"
    }
  }
}

# The image of the HPC examples: EFA, Open MPI and what they want, on Amazon Linux.
#
#   cluster image build examples/image/hpc-base.hcl
#   cluster image promote hpc-base 2026.12
#
# A cluster file then says image { family = "hpc-base" and channel = "stable" }.

variable "version" {
  type        = string
  default     = "2026.12"
  description = "raise it for each build that differs"
}

image "hpc-base" {
  version       = var.version
  region        = "us-east-1"
  provision     = "provision.sh" # beside this file; runs as root, once
  instance_type = "c7i.xlarge"
  timeout       = "45m"
  tags          = { project = "wind" }

  base { # the newest match, from this owner only
    name   = "al2023-ami-2023.*-x86_64"
    owners = ["amazon"]
  }

  root_volume {
    size = 20
    type = "gp3"
  }
}

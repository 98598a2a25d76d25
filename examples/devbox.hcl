# One machine to work on: a large encrypted disk, and ARM because it is cheaper.
# Stop it in the evening; `cluster up` starts it again.

variable "key_name" {
  type        = string
  default     = "me"
  description = "the key pair that may log in"
}

cluster "devbox" {
  region = "us-east-1"

  image {
    name   = "al2023-ami-2023.*-arm64"
    owners = ["amazon"]
  }

  network {
    key_name = var.key_name
  }

  group "box" {
    instance_type = "c7g.large"
    root_volume {
      size      = 200 # GiB
      type      = "gp3"
      encrypted = true
    }
  }
}

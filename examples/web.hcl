# Web servers in every zone, for which some are better than none.

locals {
  services = {
    front = { type = "c7i.large", count = 6 }
    cache = { type = "m7i.large", count = 3 }
  }
}

cluster "web" {
  region = "us-east-1"
  tags   = { service = "portal", stage = "production" }

  image {
    name   = "al2023-ami-2023.*-x86_64"
    owners = ["amazon"]
  }

  update { # when a newer image comes out: never fewer servers than now
    max_unavailable = "25%"
    order           = "launch-first"
  }

  dynamic "group" {
    for_each = local.services
    labels   = [group.key]
    content {
      count         = group.value.count
      instance_type = group.value.type
      tags          = { role = group.key }

      user_data = <<-EOT
        #!/bin/sh
        systemctl enable --now ${group.key}
      EOT

      launch {
        subnets = "all" # node i in the i-th zone, round and round
        min     = floor(group.value.count / 2) + 1
        timeout = "10m"
      }
    }
  }
}

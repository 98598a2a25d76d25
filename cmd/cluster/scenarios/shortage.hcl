# What everybody wants is sold out. There is a little here and there, and some
# more for a while each hour.
scenario "shortage" {
  description = "hardly any room, and some more for twenty minutes each hour"

  # Counts are of instances that a type has in a zone, used or not.
  capacity "*" "*" {
    count = 2
    every = "1h"
    step {
      at    = "30m"
      count = 48
    }
    step {
      at    = "50m"
      count = 2
    }
  }
  capacity "*" "*a" {
    count = 0
    every = "1h"
    step {
      at    = "40m"
      count = 64
    }
    step {
      at    = "50m"
      count = 0
    }
  }
}

# Everything that goes wrong on EC2 now and then goes wrong this morning: for an
# hour, and then it is over.
scenario "bad-day" {
  description = "an hour of shortages, lost replies, throttles, lags and dying nodes"
  seed        = 11

  capacity "*" "*a" {
    count = 1
    step {
      at    = "3m"
      count = 64
    }
    step {
      at    = "12m"
      count = 8
    }
    step {
      at    = "1h"
      count = 10000
    }
  }

  drain "RunInstances" {
    requests  = 1.5
    instances = 1
    to        = "1h"
  }
  drain "*" {
    requests = 200
    from     = "5m"
    to       = "5m20s"
    every    = "10m"
  }

  # Instances come late to light, and their disks later still.
  timing {
    pending = ["15s", "60s"]
    visible = ["1s", "15s"]
    devices = ["2s", "30s"]
    call    = "300ms"
  }
  # One in twenty takes minutes to run.
  boot {
    share = 0.05
    time  = ["2m", "5m"]
  }

  # EC2's code and its words need not agree.
  node {
    numbers = [2]
    dies    = "Server.InternalError"
    message = "Client.VolumeLimitExceeded: Volume limit exceeded"
  }
  node {
    share = 0.01
    dies  = "Server.InternalError"
    to    = "1h"
  }
  node {
    numbers = [7]
    dies    = "Server.InternalError"
    after   = ["2m", "20m"]
  }

  # Done, and nobody hears of it; done, and EC2 says that it was not.
  fault "RunInstances" {
    calls = [2]
    lost  = true
  }
  fault "RunInstances" {
    calls = [4]
    code  = "InternalError"
    done  = true
  }
  fault "TerminateInstances" {
    calls = [1]
    lost  = true
  }
  fault "Describe*" {
    share = 0.03
    code  = "Unavailable"
    to    = "1h"
  }
  fault "*" {
    share = 0.03
    slow  = "20s"
    to    = "1h"
  }
}

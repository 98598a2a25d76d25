# The account is shared: other people's programs take from the same buckets of
# requests, and some of them do not pace themselves.
scenario "busy-account" {
  description = "others use the account's buckets: calls are throttled"

  # Half of what RunInstances refills, all day long.
  drain "RunInstances" {
    requests  = 1
    instances = 1
  }
  drain "Describe*" {
    requests = 10
  }

  # Every two minutes somebody's loop takes all there is, for a quarter of a
  # minute.
  drain "*" {
    requests = 200
    to       = "15s"
    every    = "2m"
  }
}

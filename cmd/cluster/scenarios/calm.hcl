# EC2 without trouble, which is how a rehearsal begins. It ends whatever
# scenario is played.
scenario "calm" {
  description = "room for everybody, and nobody else in the account"
}

// Package ami looks after the images that clusters are made from: their versions, the channels that
// point at one of them, who may use them, what was made from what, and when they go.
//
// Tags on the images are the whole memory. Every change is made so that a run that dies in the middle
// is finished by running it again.
package ami

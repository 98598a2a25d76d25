package ami

import "strings"

// A Copy is a copy of an image in a region.
type Copy struct {
	Region string
	ID     string
	State  string
}

// CopyTag is the value of the tag planner.TagImageCopyOf on copies of an image of a region.
func CopyTag(region, id string) string { return region + "/" + id }

// Copies are those images of a region that are copies of images of another one, by the original's id.
func Copies(original, region string, images []Image) map[string][]Copy {
	found := map[string][]Copy{}
	for _, i := range images {
		from, id, ok := strings.Cut(i.CopyOf, "/")
		if ok && from == original {
			found[id] = append(found[id], Copy{Region: region, ID: i.ID, State: i.State})
		}
	}
	return found
}

package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// images describes every image that the file may mean: a call for all that are named by id, and
// one for each other way of naming that occurs. They are asked for by filter, because by id a
// single unknown one fails the call; and a name never without its owners.
//
// An image that the lock file names is asked for as well, if no other answer has shown it.
//
// account is the owner of the images that EC2 calls our own. EC2 shows no alias for those, so
// they are asked for by themselves; it is empty if none was found.
func (s *Session) images(ctx context.Context, want *spec.Cluster) (images []planner.Image, account string, err error) {
	found := map[string]planner.Image{}
	ask := func(queries []imageQuery) error {
		for _, q := range queries {
			err := s.eachImage(ctx, q, func(i types.Image) {
				found[value(i.ImageId)] = ToImage(i)
				if slices.Equal(q.input.Owners, own) {
					account = value(i.OwnerId)
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := ask(imageQueries(want)); err != nil {
		return nil, "", err
	}
	if err := ask(lockedQueries(want, found)); err != nil {
		return nil, "", err
	}
	images = make([]planner.Image, 0, len(found))
	for _, i := range found {
		images = append(images, i)
	}
	slices.SortFunc(images, func(a, b planner.Image) int { return strings.Compare(a.ID, b.ID) })
	return images, account, nil
}

// Revoked describes those images of living instances that were revoked, in one call; none if nothing
// lives.
func (l *Launcher) Revoked(ctx context.Context, instances []planner.Instance) (images []planner.Image, err error) {
	ids := map[string]bool{}
	for _, i := range instances {
		if !i.State.Dead() {
			ids[i.ImageID] = true
		}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(ids)), filterValues) {
		q := imageQuery{what: "which images were revoked", input: byID(chunk)}
		q.input.Filters = append(q.input.Filters, Filter("tag-key", planner.TagImageRevoked))
		if err := l.Session.eachImage(ctx, q, func(i types.Image) { images = append(images, ToImage(i)) }); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// former describes the images of instances that are none of those the file may mean, so that a plan can say by
// name and version what is replaced. There are such instances only if there is something to replace; then it is
// one call. An image that is gone is not in the answer.
func (s *Session) former(ctx context.Context, want *spec.Cluster, have planner.Observed) ([]planner.Image, error) {
	known := map[string]bool{"": true}
	for _, i := range have.Images {
		known[i.ID] = true
	}
	var ids []string
	for _, i := range have.Instances {
		if _, ok := want.Group(i.Group); ok && !i.State.Dead() && !known[i.ImageID] {
			known[i.ImageID] = true
			ids = append(ids, i.ImageID)
		}
	}
	slices.Sort(ids)
	var images []planner.Image
	for chunk := range slices.Chunk(ids, filterValues) {
		err := s.eachImage(ctx, imageQuery{what: "image " + strings.Join(chunk, ", "), input: byID(chunk)}, func(i types.Image) {
			images = append(images, ToImage(i))
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(images, func(a, b planner.Image) int { return strings.Compare(a.ID, b.ID) })
	return images, nil
}

// eachImage asks for images, page by page.
func (s *Session) eachImage(ctx context.Context, q imageQuery, use func(types.Image)) error {
	return Pages(func(token *string) (*string, error) {
		in := q.input
		in.NextToken = token
		out, err := Do(ctx, s, Request{Action: "DescribeImages", Doing: "look up " + q.what, At: q.source.Block},
			s.EC2.DescribeImages, &in)
		if err != nil {
			return nil, err
		}
		for _, i := range out.Images {
			use(i)
		}
		return out.NextToken, nil
	})
}

// filterValues is how many values EC2 takes in a filter.
const filterValues = 200

// byID asks for images by id. Deprecated ones still launch by id, but are hidden from everybody but their
// owner.
func byID(ids []string) ec2.DescribeImagesInput {
	return ec2.DescribeImagesInput{
		Filters: []types.Filter{Filter("image-id", ids...)}, MaxResults: new(int32(page)),
		IncludeDeprecated: new(true), IncludeDisabled: new(true),
	}
}

// own is the owner of one's own images, in DescribeImages.
var own = []string{"self"}

type imageQuery struct {
	what   string
	input  ec2.DescribeImagesInput
	source spec.Source
}

func imageQueries(want *spec.Cluster) []imageQuery {
	var ids []string
	var queries []imageQuery
	var named spec.Source // an image block that names one by id
	seen := map[string]bool{}
	for i := range want.Groups {
		img := want.Groups[i].Image
		key := fmt.Sprintf("%q", []any{img.ID, img.Name, img.Owners, img.Family})
		if seen[key] {
			continue
		}
		seen[key] = true
		q := imageQuery{source: img.Source, input: ec2.DescribeImagesInput{MaxResults: new(int32(page))}}
		switch {
		case img.ID != "":
			ids = append(ids, img.ID)
			named = img.Source
			continue
		case img.Name != "":
			q.what = fmt.Sprintf("image %q of %s", img.Name, strings.Join(img.Owners, ", "))
			q.input.Filters = []types.Filter{Filter("name", img.Name)}
			if i := slices.Index(img.Owners, "self"); i >= 0 && len(img.Owners) > 1 {
				q.input.Owners = slices.Delete(slices.Clone(img.Owners), i, i+1)
				queries = append(queries, q)
				q.input.Owners = own
			} else {
				q.input.Owners = img.Owners
			}
		default:
			q.what = fmt.Sprintf("image family %q", img.Family)
			q.input.Owners = own
			// The whole family: who holds a channel, which versions there are instead of one that is
			// missing, and what running nodes come from, all in one answer. A disabled image shows too,
			// because it may hold a channel.
			q.input.Filters = []types.Filter{Filter("tag:"+planner.TagImageFamily, img.Family)}
			q.input.IncludeDisabled = new(true)
		}
		queries = append(queries, q)
	}
	return append(queries, idQueries(ids, named)...)
}

// lockedQueries ask for the images of the lock file that are not among those found: a name with a newer
// match need not show the one that is kept.
func lockedQueries(want *spec.Cluster, found map[string]planner.Image) []imageQuery {
	var ids []string
	var at spec.Source
	for i := range want.Groups {
		img := want.Groups[i].Image
		if img.Locked == nil || img.Unlock || slices.Contains(ids, img.Locked.ID) {
			continue
		}
		if _, ok := found[img.Locked.ID]; !ok && img.ID == "" { // by id it was asked for already
			ids, at = append(ids, img.Locked.ID), img.Source
		}
	}
	return idQueries(ids, at)
}

func idQueries(ids []string, at spec.Source) (queries []imageQuery) {
	for chunk := range slices.Chunk(ids, filterValues) {
		queries = append(queries, imageQuery{what: "image " + strings.Join(chunk, ", "), input: byID(chunk), source: at})
	}
	return queries
}

// ToImage is what plans and proofs need of an image.
func ToImage(i types.Image) planner.Image {
	p := planner.Image{
		ID:           value(i.ImageId),
		Name:         value(i.Name),
		Owner:        value(i.OwnerId),
		OwnerAlias:   value(i.ImageOwnerAlias),
		State:        string(i.State),
		Architecture: string(i.Architecture),
		Created:      timestamp(value(i.CreationDate)),
		Deprecated:   timestamp(value(i.DeprecationTime)),
		ENA:          value(i.EnaSupport),
		Tags:         FromTags(i.Tags),
	}
	if r := i.StateReason; r != nil {
		p.StateReason = cmp.Or(value(r.Message), value(r.Code))
	}
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && value(m.DeviceName) == value(i.RootDeviceName) {
			p.RootDevice = value(m.DeviceName)
			p.RootSnapshot, p.RootSize = value(m.Ebs.SnapshotId), int(value(m.Ebs.VolumeSize))
		}
	}
	return p
}

// timestamp reads the dates that EC2 gives as text; zero if it is none.
func timestamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// ResolveImage finds the image that a file names, as a plan does. If there is none, or it cannot be
// launched, the blockers say why.
func (s *Session) ResolveImage(ctx context.Context, want spec.Image) (planner.Image, []planner.Blocker, error) {
	images, account, err := s.images(ctx, &spec.Cluster{Groups: []spec.Group{{Image: want}}})
	if err != nil {
		return planner.Image{}, nil, err
	}
	for i := range images {
		if account != "" && images[i].Owner == account {
			images[i].OwnerAlias = "self"
		}
	}
	img, blockers := planner.ResolveImage(want, images)
	return img, blockers, nil
}

package ec2sim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// paging is what a request says of pages, and what its action allows.
type paging struct {
	max      *int32
	token    *string
	least    int32
	most     int32
	ids      []string // the ids that were asked for: they do not go with pages
	idsNamed string   // what EC2 calls them in its message
}

// paged puts items into the region's order and returns the page that was asked for with the token of the
// next. The order is fixed for each item by the seed and means nothing: EC2 promises none. A token is the
// place in that order, so that what comes or goes meanwhile neither doubles nor hides anything else.
func paged[T any](w *world, items []T, p paging, ids func(T) []string) ([]T, *string, error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	type ranked struct {
		rank string
		item T
	}
	rows := make([]ranked, len(items))
	for i, item := range items {
		var rank strings.Builder
		for _, id := range ids(item) {
			fmt.Fprintf(&rank, "%016x", w.r.hash("order", id))
		}
		rows[i] = ranked{rank.String(), item}
	}
	slices.SortFunc(rows, func(a, b ranked) int { return strings.Compare(a.rank, b.rank) })
	if t := value(p.token); t != "" {
		after, err := w.readToken(t)
		if err != nil {
			return nil, nil, err
		}
		rows = slices.DeleteFunc(rows, func(r ranked) bool { return r.rank <= after })
	}
	var next *string
	if n := int(value(p.max)); n > 0 && len(rows) > n {
		rows = rows[:n]
		next = new(w.writeToken(rows[n-1].rank))
	}
	page := make([]T, len(rows))
	for i, r := range rows {
		page[i] = r.item
	}
	return page, next, nil
}

func (p paging) check() error {
	switch {
	case p.max == nil:
		return nil
	case len(p.ids) > 0:
		return fail("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", p.idsNamed)
	case *p.max < p.least:
		return fail("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", *p.max, p.least)
	case *p.max > p.most:
		return fail("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", *p.max, p.most)
	}
	return nil
}

func (w *world) writeToken(rank string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(w.query() + rank))
}

func (w *world) readToken(token string) (rank string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	rank, ok := strings.CutPrefix(string(raw), w.query())
	if err != nil || !ok {
		return "", fail("InvalidParameterValue", "Invalid value '%s' for nextToken. It is not a token of this request.", token)
	}
	return rank, nil
}

// query is a hash of what is asked, so that a token serves the request that it was given to only.
func (w *world) query() string {
	words := []string{w.Name}
	for _, k := range slices.Sorted(maps.Keys(w.call.Params)) {
		if k == "Action" || k != "NextToken" && k != "MaxResults" && !isEnvelope(k) {
			words = append(words, k, w.call.Params.Get(k))
		}
	}
	return fmt.Sprintf("%016x", w.r.hash(words...))
}

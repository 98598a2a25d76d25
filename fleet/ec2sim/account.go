package ec2sim

import (
	"net/http"
	"net/url"
	"strings"
)

// A region has any number of accounts. What one has, no other sees or touches, but for images and snapshots
// that it shares: those are on one shelf, the world of the Options' account. Everything else is made anew for
// each account, under the same ids (a subnet is each account's own all the same), and so are buckets, quotas
// and the capacity of pools.

// accountOf is the account that a request was signed for: the one that Options.Accounts names for its access
// key, or the one whose twelve digits the access key ends in, or else the Options' own.
func (r *Region) accountOf(q *http.Request, form url.Values) string {
	_, key, ok := strings.Cut(q.Header.Get("Authorization"), "Credential=")
	if !ok {
		key = form.Get("X-Amz-Credential")
	}
	key, _, _ = strings.Cut(key, "/")
	if key == "" {
		key = form.Get("AWSAccessKeyId")
	}
	if a, ok := r.o.Accounts[key]; ok {
		return a
	}
	if n := len(key) - 12; n >= 0 && isAccount(key[n:]) {
		return key[n:]
	}
	return r.o.Account
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// worldKey is where the world of an account in a region is kept. The Options' account has the region's name
// to itself.
func (r *Region) worldKey(account, name string) string {
	if account == r.o.Account {
		return name
	}
	return account + "/" + name
}

// home is the world of the Options' account in a region, whose shelf of images all accounts use.
func (r *Region) home(name string) *world {
	w := r.s.Worlds[name]
	if w == nil {
		w = r.seed(r.o.Account, name)
		r.s.Worlds[name] = w
	}
	return w
}

// worldOf is an account's part of the state under a region's name, ready for one request.
func (r *Region) worldOf(account, name string) *world {
	home := r.home(name)
	key := r.worldKey(account, name)
	w := r.s.Worlds[key]
	if w == nil {
		w = r.seed(account, name)
		r.s.Worlds[key] = w
	}
	w.Images, w.Snapshots = home.Images, home.Snapshots
	w.r, w.now, w.t, w.call, w.bends, w.fails, w.slow, w.dirty = r, r.now(), r.timing(), nil, nil, "", 0, false
	w.catchUp()
	return w
}

// world is the Options' account's part of the state under a region's name, ready for one request.
func (r *Region) world(name string) *world { return r.worldOf(r.o.Account, name) }

// everyWorld calls f for each world that there is until f is content.
func (r *Region) everyWorld(f func(w *world) bool) bool {
	for key, w := range r.s.Worlds {
		account, name := r.o.Account, key
		if w.Account != "" {
			account, name = w.Account, w.Name
		}
		if f(r.worldOf(account, name)) {
			return true
		}
	}
	return false
}

// account is whose world it is.
func (w *world) account() string {
	if w.Account != "" {
		return w.Account
	}
	return w.r.o.Account
}

// leaveShelf takes from the worlds of other accounts what is kept with the Options' account.
func (s *state) leaveShelf() {
	for _, w := range s.Worlds {
		if w.Account != "" {
			w.Images, w.Snapshots = nil, nil
		}
	}
}

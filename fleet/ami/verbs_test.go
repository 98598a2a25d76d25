package ami_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"cluster/fleet/ami"
	"cluster/fleet/ec2sim"
)

// A model is what the catalogue of one family should say.
type model struct {
	shared  map[string]map[string]bool // accounts, by version
	stack   []string                   // versions that held stable, the holder last
	revoked map[string]bool
}

// An operation is one verb and what it makes of the model.
type operation struct {
	name  string
	run   func(*ami.Keeper) error
	apply func(*model)
}

// draw is the next operation, of those that would not be refused.
func draw(w *world, rng *rand.Rand, m *model) operation {
	version := []string{"2026.10", "2026.11", "2026.12"}[rng.IntN(3)]
	some := accounts(8)[rng.IntN(4) : 4+rng.IntN(5)]
	ctx := w.Context()
	switch n := rng.IntN(6); {
	case n == 0 && !m.revoked[version]:
		return operation{"promote " + version, func(k *ami.Keeper) error {
			_, err := k.Promote(ctx, "hpc-base", version, "stable")
			return err
		}, func(m *model) {
			m.stack = append(slices.DeleteFunc(m.stack, func(v string) bool { return v == version }), version)
		}}
	case n == 1 && len(m.stack) > 1:
		from := m.stack[len(m.stack)-1]
		return operation{"rollback from " + from, func(k *ami.Keeper) error {
			_, err := k.Rollback(ctx, "hpc-base", "stable", from)
			return err
		}, func(m *model) { m.stack = m.stack[:len(m.stack)-1] }}
	case n == 2:
		return operation{"unshare " + version, func(k *ami.Keeper) error {
			_, err := k.Unshare(ctx, "hpc-base", version, ami.Grants{Accounts: some})
			return err
		}, func(m *model) {
			for _, a := range some {
				delete(m.shared[version], a)
			}
		}}
	case n == 3 && m.revoked[version]:
		return operation{"restore " + version, func(k *ami.Keeper) error {
			_, _, err := k.Restore(ctx, "hpc-base", version)
			return err
		}, func(m *model) { m.revoked[version] = false }}
	case n == 3:
		return operation{"revoke " + version, func(k *ami.Keeper) error {
			_, _, _, err := k.Revoke(ctx, "hpc-base", version, "bad")
			return err
		}, func(m *model) { m.revoked[version] = true }}
	case !m.revoked[version]:
		return operation{"share " + version, func(k *ami.Keeper) error {
			_, err := k.Share(ctx, "hpc-base", version, ami.Grants{Accounts: some})
			return err
		}, func(m *model) {
			for _, a := range some {
				m.shared[version][a] = true
			}
		}}
	}
	return draw(w, rng, m)
}

// Whatever is done to a family, and wherever each run dies before it is said again: the catalogue says
// what was asked for last.
func TestStormsOfVerbsConverge(t *testing.T) {
	seeds := 25
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := ec2sim.New(ec2sim.Options{Seed: uint64(seed)})
				w := &world{T: t, region: r, client: r}
				w.region.AddImage(ec2sim.ImageSpec{Name: "hpc-base-2026.12", Tags: map[string]string{
					ec2sim.FamilyTag: "hpc-base", ec2sim.VersionTag: "2026.12"}})
				rng := rand.New(rand.NewPCG(uint64(seed), 1))
				m := &model{stack: []string{"2026.10"}, revoked: map[string]bool{}, shared: map[string]map[string]bool{}}
				for _, v := range []string{"2026.10", "2026.11", "2026.12"} {
					m.shared[v] = map[string]bool{}
				}
				for range 12 {
					op := draw(w, rng, m)
					for range rng.IntN(3) {
						w.killed(1+rng.IntN(5), rng.IntN(2) == 0, op.run)
					}
					if err := op.run(w.keeper("")); err != nil {
						t.Fatalf("%s: %v", op.name, err)
					}
					op.apply(m)
					w.compare(m, op.name)
				}
			})
		})
	}
}

// compare holds the region against the model.
func (w *world) compare(m *model, after string) {
	w.Helper()
	if got, want := w.holder("hpc-base", "stable"), m.stack[len(m.stack)-1]; got != want {
		w.Fatalf("after %s: stable is %s, want %s", after, got, want)
	}
	for _, i := range w.family("hpc-base") {
		if (i.Revoked != nil) != m.revoked[i.Version] {
			w.Fatalf("after %s: %s is revoked: %v", after, i.Version, i.Revoked)
		}
		want := slices.Sorted(maps.Keys(m.shared[i.Version]))
		if g, snapshot := w.sharedWith(i.ID); !slices.Equal(g.Accounts, want) || !slices.Equal(snapshot, want) {
			w.Fatalf("after %s: %s is shared with %v, its snapshot with %v; want %v", after, i.Version, g.Accounts, snapshot, want)
		}
	}
}

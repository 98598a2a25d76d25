package planner_test

import (
	"strings"
	"testing"

	"cluster/planner"

	"github.com/google/go-cmp/cmp"
)

func TestParseSlots(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want planner.Slots
	}{
		{"", nil},
		{"0", planner.Slots{0}},
		{"3,9,12-14", planner.Slots{3, 9, 12, 13, 14}},
		{"1,2,3", planner.Slots{1, 2, 3}},
		{"5-5", planner.Slots{5}},
		{"999999999", planner.Slots{999999999}},
	} {
		got, err := planner.ParseSlots(tt.in)
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q, -want +got:\n%s", tt.in, diff)
		}
	}
	if got, err := planner.ParseSlots("0-99999"); err != nil || len(got) != 100_000 {
		t.Errorf("%d slots, %v", len(got), err)
	}
}

func TestParseSlotsRefuses(t *testing.T) {
	for _, in := range []string{
		",", "1,", ",1", "1,,2", "-", "1-", "-1", "1--2", "1-2-3", " 1", "1 ", "+1", "a", "1.5", "٣",
		"3-1", "2,1", "1,1", "1-5,5", "1-5,3-9",
		"0-100000", "0-50000,60000-120000", "0-999999999", "1000000000", strings.Repeat("9", 400),
	} {
		if got, err := planner.ParseSlots(in); err == nil {
			t.Errorf("%q gives %s", in, got)
		}
	}
}

func TestNodeName(t *testing.T) {
	for slot, want := range map[int]string{0: "compute-0", 17: "compute-17", -1: "compute-?"} {
		if got := planner.NodeName("compute", slot); got != want {
			t.Errorf("slot %d is %q, want %q", slot, got, want)
		}
	}
}

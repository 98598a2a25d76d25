package spec

import (
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// cidrParam is the address range that the functions of this file start from.
var cidrParam = function.Parameter{Name: "prefix", Type: cty.String}

// parseCIDR reads argument i as a range; bits after the prefix are taken as zero.
func parseCIDR(args []cty.Value, i int) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(args[i].AsString())
	if err != nil {
		return p, function.NewArgErrorf(i, `%s is not an address range such as "10.0.0.0/16"`, quote(args[i].AsString()))
	}
	return p.Masked(), nil
}

// intArg reads argument i as a whole number.
func intArg(args []cty.Value, i int) (*big.Int, error) {
	f := args[i].AsBigFloat()
	if !f.IsInt() || f.MantExp(nil) > 130 {
		return nil, function.NewArgErrorf(i, "a whole number of at most 128 bits is required")
	}
	n, _ := f.Int(nil)
	return n, nil
}

// offset is the address n steps of 2^shift after the start of a range.
func offset(p netip.Prefix, n *big.Int, shift int) (netip.Addr, error) {
	b := p.Addr().AsSlice()
	sum := new(big.Int).SetBytes(b)
	sum.Add(sum, new(big.Int).Lsh(n, uint(shift)))
	if sum.Sign() < 0 || sum.BitLen() > len(b)*8 {
		return netip.Addr{}, errors.New("the result lies outside the address space")
	}
	a, _ := netip.AddrFromSlice(sum.FillBytes(b))
	return a, nil
}

// subnet is subnet number n of a range, newbits longer than it.
func subnet(p netip.Prefix, newbits, n *big.Int) (netip.Prefix, error) {
	total := p.Addr().BitLen()
	if newbits.Sign() < 0 || !newbits.IsInt64() || int64(p.Bits())+newbits.Int64() > int64(total) {
		return netip.Prefix{}, fmt.Errorf("%s cannot be %s bits longer: addresses have %d", p, newbits, total)
	}
	bits := p.Bits() + int(newbits.Int64())
	if n.Sign() < 0 || n.BitLen() > bits-p.Bits() {
		return netip.Prefix{}, fmt.Errorf("%s has no subnet number %s of length /%d", p, n, bits)
	}
	a, err := offset(p, n, total-bits)
	return netip.PrefixFrom(a, bits), err
}

var cidrHostFunc = function.New(&function.Spec{
	Params: []function.Parameter{cidrParam, {Name: "hostnum", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parseCIDR(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		n, err := intArg(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
		host := new(big.Int).Set(n)
		if n.Sign() < 0 {
			host.Add(size, n)
		}
		if host.Sign() < 0 || host.Cmp(size) >= 0 {
			return cty.NilVal, function.NewArgErrorf(1, "%s has no host number %s", p, n)
		}
		a, err := offset(p, host, 0)
		return cty.StringVal(a.String()), err
	},
})

var cidrNetmaskFunc = function.New(&function.Spec{
	Params: []function.Parameter{cidrParam},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parseCIDR(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		if !p.Addr().Is4() {
			return cty.NilVal, function.NewArgErrorf(0, "only IPv4 ranges have a netmask")
		}
		return cty.StringVal(net.IP(net.CIDRMask(p.Bits(), 32)).String()), nil
	},
})

var cidrSubnetFunc = function.New(&function.Spec{
	Params: []function.Parameter{cidrParam, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parseCIDR(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		newbits, err := intArg(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		n, err := intArg(args, 2)
		if err != nil {
			return cty.NilVal, err
		}
		s, err := subnet(p, newbits, n)
		return cty.StringVal(s.String()), err
	},
})

// cidrSubnetsFunc cuts subnets of the given lengths out of a range, one after the other.
var cidrSubnetsFunc = function.New(&function.Spec{
	Params:   []function.Parameter{cidrParam},
	VarParam: &function.Parameter{Name: "newbits", Type: cty.Number},
	Type:     function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parseCIDR(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		next := p.Addr()
		var out []cty.Value
		for i := range args[1:] {
			newbits, err := intArg(args, i+1)
			if err != nil {
				return cty.NilVal, err
			}
			first, err := subnet(p, newbits, new(big.Int))
			if err != nil {
				return cty.NilVal, function.NewArgError(i+1, err)
			}
			s, after, ok := placeSubnet(p, next, first.Bits())
			if !ok {
				return cty.NilVal, function.NewArgErrorf(i+1, "no room is left in %s", p)
			}
			out, next = append(out, cty.StringVal(s.String())), after
		}
		if len(out) == 0 {
			return cty.ListValEmpty(cty.String), nil
		}
		return cty.ListVal(out), nil
	},
})

// placeSubnet finds the first subnet of a length at or after an address, and what follows it.
// The address after the last one of all is the zero Addr.
func placeSubnet(p netip.Prefix, at netip.Addr, bits int) (s netip.Prefix, after netip.Addr, ok bool) {
	if !at.IsValid() || !p.Contains(at) {
		return s, after, false
	}
	s = netip.PrefixFrom(at, bits).Masked()
	if s.Addr() != at {
		if at = afterPrefix(s); !at.IsValid() || !p.Contains(at) {
			return s, after, false
		}
		s = netip.PrefixFrom(at, bits)
	}
	return s, afterPrefix(s), true
}

// afterPrefix is the first address after a range; the zero Addr if there is none.
func afterPrefix(p netip.Prefix) netip.Addr {
	a, err := offset(p, big.NewInt(1), p.Addr().BitLen()-p.Bits())
	if err != nil {
		return netip.Addr{}
	}
	return a
}

var cidrContainsFunc = function.New(&function.Spec{
	Params: []function.Parameter{cidrParam, {Name: "inner", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parseCIDR(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		if a, err := netip.ParseAddr(args[1].AsString()); err == nil {
			return cty.BoolVal(p.Contains(a)), nil
		}
		inner, err := parseCIDR(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.BoolVal(p.Bits() <= inner.Bits() && p.Contains(inner.Addr())), nil
	},
})

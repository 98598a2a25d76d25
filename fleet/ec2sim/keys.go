package ec2sim

import (
	"crypto/md5"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w *world) addKey(name string, kind types.KeyType, material []byte, specs []types.TagSpecification) (*types.KeyPairInfo, error) {
	if name == "" || len(name) > 255 {
		return nil, fail("InvalidParameterValue", "Invalid value '%s' for keyName.", name)
	}
	if w.Keys[name] != nil {
		return nil, fail("InvalidKeyPair.Duplicate", "The keypair already exists")
	}
	tags, err := tagSpecifications(specs, false, types.ResourceTypeKeyPair)
	if err != nil {
		return nil, err
	}
	k := &types.KeyPairInfo{KeyName: new(name), KeyPairId: new(w.newID("key-")), KeyType: kind, CreateTime: new(w.now)}
	k.KeyFingerprint = new(fmt.Sprintf("% x", md5.Sum(material)))
	w.Keys[name] = k
	if t := tags[string(types.ResourceTypeKeyPair)]; t != nil {
		w.Tags[*k.KeyPairId] = t
	}
	return k, nil
}

// createKeyPair makes a key that opens nothing: the private key it gives away is made from the seed.
func (w *world) createKeyPair(in *ec2.CreateKeyPairInput) (*ec2.CreateKeyPairOutput, error) {
	secret := fmt.Appendf(nil, "%016x%016x", w.r.hash("secret", *in.KeyName), w.r.hash("key", *in.KeyName))
	kind := in.KeyType
	if kind == "" {
		kind = types.KeyTypeRsa
	}
	k, err := w.addKey(*in.KeyName, kind, secret, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	material := pem.EncodeToMemory(&pem.Block{Type: "REHEARSAL PRIVATE KEY", Bytes: secret})
	return &ec2.CreateKeyPairOutput{KeyName: k.KeyName, KeyPairId: k.KeyPairId, KeyFingerprint: k.KeyFingerprint, KeyMaterial: new(string(material)), Tags: w.tags(*k.KeyPairId)}, nil
}

func (w *world) importKeyPair(in *ec2.ImportKeyPairInput) (*ec2.ImportKeyPairOutput, error) {
	if len(in.PublicKeyMaterial) == 0 {
		return nil, fail("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	kind := types.KeyTypeRsa
	if s := string(in.PublicKeyMaterial); len(s) > 11 && s[:11] == "ssh-ed25519" {
		kind = types.KeyTypeEd25519
	}
	k, err := w.addKey(*in.KeyName, kind, in.PublicKeyMaterial, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	k.PublicKey = new(string(in.PublicKeyMaterial))
	return &ec2.ImportKeyPairOutput{KeyName: k.KeyName, KeyPairId: k.KeyPairId, KeyFingerprint: k.KeyFingerprint, Tags: w.tags(*k.KeyPairId)}, nil
}

// deleteKeyPair succeeds for a key that is not there, as on EC2.
func (w *world) deleteKeyPair(in *ec2.DeleteKeyPairInput) (*ec2.DeleteKeyPairOutput, error) {
	if in.KeyName == nil && in.KeyPairId == nil {
		return nil, fail("MissingParameter", "The request must contain the parameter KeyName or KeyPairId")
	}
	for name, k := range w.Keys {
		if name == value(in.KeyName) || *k.KeyPairId == value(in.KeyPairId) {
			delete(w.Keys, name)
			delete(w.Tags, *k.KeyPairId)
			return &ec2.DeleteKeyPairOutput{Return: new(true), KeyPairId: k.KeyPairId}, nil
		}
	}
	return &ec2.DeleteKeyPairOutput{Return: new(true)}, nil
}

func (w *world) describeKeyPairs(in *ec2.DescribeKeyPairsInput) (*ec2.DescribeKeyPairsOutput, error) {
	for _, name := range in.KeyNames {
		if w.Keys[name] == nil {
			return nil, keyKind.absent(name)
		}
	}
	byID := map[string]*types.KeyPairInfo{}
	for _, k := range w.Keys {
		byID[*k.KeyPairId] = k
	}
	if _, err := pick(byID, in.KeyPairIds, keyKind, nil); err != nil {
		return nil, err
	}
	var rows []*types.KeyPairInfo
	for _, name := range slices.Sorted(maps.Keys(w.Keys)) {
		k := *w.Keys[name]
		if len(in.KeyNames) > 0 && !slices.Contains(in.KeyNames, name) || len(in.KeyPairIds) > 0 && !slices.Contains(in.KeyPairIds, *k.KeyPairId) {
			continue
		}
		if !is(in.IncludePublicKey) {
			k.PublicKey = nil
		}
		k.Tags = w.tags(*k.KeyPairId)
		rows = append(rows, &k)
	}
	rows, err := filtered(w, rows, in.Filters)
	return &ec2.DescribeKeyPairsOutput{KeyPairs: deref(rows)}, err
}

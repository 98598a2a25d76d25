package main

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cluster/fleet/ec2sim"

	"github.com/spf13/cobra"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show what the embedded region holds",
		Long: `Show the instances, images, subnets and instance types of the embedded region.
--region chooses another than us-east-1; --verbose lists each instance.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.showRegion() },
	}
}

// What show reads of EC2's answers. It asks over the wire, like any other client.
type (
	instancesAnswer struct {
		Instances []struct {
			ID    string `xml:"instanceId"`
			State string `xml:"instanceState>name"`
			Type  string `xml:"instanceType"`
			Image string `xml:"imageId"`
			Zone  string `xml:"placement>availabilityZone"`
			IP    string `xml:"privateIpAddress"`
			Tags  []struct {
				Key   string `xml:"key"`
				Value string `xml:"value"`
			} `xml:"tagSet>item"`
		} `xml:"reservationSet>item>instancesSet>item"`
		Next string `xml:"nextToken"`
	}
	imagesAnswer struct {
		Images []struct {
			ID           string `xml:"imageId"`
			Name         string `xml:"name"`
			Owner        string `xml:"imageOwnerId"`
			Architecture string `xml:"architecture"`
			State        string `xml:"imageState"`
		} `xml:"imagesSet>item"`
		Next string `xml:"nextToken"`
	}
	subnetsAnswer struct {
		Subnets []struct {
			ID   string `xml:"subnetId"`
			Zone string `xml:"availabilityZone"`
			CIDR string `xml:"cidrBlock"`
			Free string `xml:"availableIpAddressCount"`
		} `xml:"subnetSet>item"`
		Next string `xml:"nextToken"`
	}
	typesAnswer struct {
		Types []struct {
			Name string `xml:"instanceType"`
		} `xml:"instanceTypeSet>item"`
		Next string `xml:"nextToken"`
	}
)

func (a *app) showRegion() error {
	region := cmp.Or(a.region, a.getenv("AWS_REGION"), a.getenv("AWS_DEFAULT_REGION"), "us-east-1")
	r, err := a.openRegion(ec2sim.Options{Region: region})
	if err != nil {
		return err
	}
	defer r.Close()
	dir, err := a.rehearsalDir()
	if err != nil {
		return err
	}
	a.out.printf("%s%s%s (rehearsal), in %s\n", bold, region, reset, slash(dir))
	for _, part := range []func(*ec2sim.Region) error{a.showInstances, a.showImages, a.showSubnets, a.showTypes} {
		if err := part(r); err != nil {
			return fmt.Errorf("show the embedded region: %w", err)
		}
	}
	return nil
}

func (a *app) showInstances(r *ec2sim.Region) error {
	var all instancesAnswer
	for next := ""; ; next = all.Next {
		all.Next = ""
		if err := ask(r, "DescribeInstances", next, &all); err != nil {
			return err
		}
		if all.Next == "" {
			break
		}
	}
	rows := [][]string{{"INSTANCE", "STATE", "NAME", "TYPE", "ZONE", "IMAGE", "PRIVATE IP"}}
	counts := map[string]int{}
	for _, i := range all.Instances {
		name := ""
		for _, t := range i.Tags {
			if t.Key == "Name" {
				name = t.Value
			}
		}
		counts[cmp.Or(name, "(no name)")+"  "+i.State]++
		rows = append(rows, []string{i.ID, i.State, name, i.Type, i.Zone, i.Image, i.IP})
	}
	a.out.printf("\n%s\n", plural(len(all.Instances), "instance"))
	if n := len(all.Instances); n > 0 && (n <= fewNodes || a.verbose) {
		slices.SortFunc(rows[1:], slices.Compare)
		a.out.table(rows)
		return nil
	}
	var keys []string
	for k, n := range counts {
		keys = append(keys, fmt.Sprintf("%s  %d", k, n))
	}
	slices.Sort(keys)
	for _, k := range keys {
		a.out.printf("  %s\n", k)
	}
	return nil
}

func (a *app) showImages(r *ec2sim.Region) error {
	var all imagesAnswer
	if err := ask(r, "DescribeImages", "", &all); err != nil {
		return err
	}
	rows := [][]string{}
	for _, i := range all.Images {
		rows = append(rows, []string{i.ID, i.Name, "owner " + i.Owner, i.Architecture, i.State})
	}
	slices.SortFunc(rows, func(x, y []string) int { return cmp.Or(cmp.Compare(x[1], y[1]), cmp.Compare(x[0], y[0])) })
	a.out.printf("\n%s\n", plural(len(rows), "image"))
	a.out.table(rows)
	return nil
}

func (a *app) showSubnets(r *ec2sim.Region) error {
	var all subnetsAnswer
	if err := ask(r, "DescribeSubnets", "", &all); err != nil {
		return err
	}
	rows := [][]string{}
	for _, s := range all.Subnets {
		rows = append(rows, []string{s.ID, s.Zone, s.CIDR, s.Free + " addresses free"})
	}
	slices.SortFunc(rows, slices.Compare)
	a.out.printf("\n%s\n", plural(len(rows), "subnet"))
	a.out.table(rows)
	return nil
}

func (a *app) showTypes(r *ec2sim.Region) error {
	var all typesAnswer
	for next := ""; ; next = all.Next {
		all.Next = ""
		if err := ask(r, "DescribeInstanceTypes", next, &all); err != nil {
			return err
		}
		if all.Next == "" {
			break
		}
	}
	var names []string
	for _, t := range all.Types {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	a.out.printf("\n%s\n", plural(len(names), "instance type"))
	for _, l := range wrap(strings.Join(names, " "), textWidth-2) {
		a.out.printf("  %s\n", l)
	}
	return nil
}

// ask makes one request of the embedded region and adds what it answers to answer.
func ask(r *ec2sim.Region, action, token string, answer any) error {
	q := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	if token != "" {
		q.Set("NextToken", token)
	}
	req, err := http.NewRequest(http.MethodPost, "http://ec2.rehearsal.invalid/", strings.NewReader(q.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := r.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", action, resp.Status, body)
	}
	return xml.Unmarshal(body, answer)
}

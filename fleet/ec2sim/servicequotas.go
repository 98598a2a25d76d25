package ec2sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const (
	quotasTarget = "ServiceQuotasV20190624." // what the header X-Amz-Target of its requests begins with
	targetHeader = "X-Amz-Target"
	jsonType     = "application/x-amz-json-1.1"
)

// limitTable is the code and the name of every vCPU quota, as Service Quotas lists them under the service
// code ec2; from "Amazon EC2 endpoints and quotas" in the AWS General Reference.
const limitTable = `
L-1216C47A Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances
L-6E869C2A Running On-Demand DL instances
L-74FC7D96 Running On-Demand F instances
L-DB2E81BA Running On-Demand G and VT instances
L-F7808C92 Running On-Demand HPC instances
L-43DA4232 Running On-Demand High Memory instances
L-1945791B Running On-Demand Inf instances
L-417A185B Running On-Demand P instances
L-2C3B7624 Running On-Demand Trn instances
L-7295265B Running On-Demand X instances
L-34B43A08 All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests
L-85EED4F7 All DL Spot Instance Requests
L-88CF9481 All F Spot Instance Requests
L-3819A6DF All G and VT Spot Instance Requests
L-B5D1601B All Inf Spot Instance Requests
L-7212CCBC All P4, P3 and P2 Spot Instance Requests
L-C4BD4855 All P5 Spot Instance Requests
L-6B0D517C All Trn Spot Instance Requests
L-E3A00192 All X Spot Instance Requests
`

// limits are the names of the vCPU quotas, by code.
var limits = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(limitTable)) {
		code, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[code] = name
	}
	return all
})

// isQuotas tells the requests for Service Quotas. Clients with one endpoint for everything send them here.
func isQuotas(c *Call) bool { return strings.HasPrefix(c.Params.Get(targetHeader), quotasTarget) }

// readQuotas reads a request for Service Quotas into an action and parameters: the target, and the fields of
// the body.
func readQuotas(target string, body io.Reader) (action string, params url.Values, err error) {
	fields := map[string]any{}
	if body != nil {
		if err := json.NewDecoder(io.LimitReader(body, maxBody)).Decode(&fields); err != nil && err != io.EOF {
			return "", nil, fmt.Errorf("parse the request: %w", err)
		}
	}
	params = url.Values{targetHeader: {target}}
	for k, v := range fields {
		params.Set(k, fmt.Sprint(v))
	}
	return strings.TrimPrefix(target, quotasTarget), params, nil
}

// answerQuotas answers what is asked of the vCPU quotas. It is charged to none of EC2's buckets.
func (w *world) answerQuotas(c *Call, id string) answer {
	out, err := w.doQuotas(c)
	if err != nil {
		e := asAPIError(err)
		c.Code = e.Code
		out = map[string]any{"__type": e.Code, "Message": e.Message}
		return jsonAnswer(e.status(), out)
	}
	return jsonAnswer(http.StatusOK, map[string]any{"Quota": out})
}

func (w *world) doQuotas(c *Call) (map[string]any, error) {
	o, err := w.interfere(c)
	if err != nil {
		return nil, err
	}
	if c.Lost = o.lose; o.belie != nil {
		return nil, o.belie
	}
	if c.Action != "GetServiceQuota" && c.Action != "GetAWSDefaultServiceQuota" {
		return nil, fail("UnknownOperationException", "The action %s is not one that this service knows.", c.Action)
	}
	for field := range c.Params {
		if !slices.Contains([]string{targetHeader, "ServiceCode", "QuotaCode"}, field) {
			return nil, fail("ValidationException", "The parameter %s is not one that this region knows.", field)
		}
	}
	for _, field := range []string{"ServiceCode", "QuotaCode"} {
		if c.Params.Get(field) == "" {
			return nil, fail("ValidationException", "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", field)
		}
	}
	code := c.Params.Get("QuotaCode")
	name, ok := limits()[code]
	if !ok || c.Params.Get("ServiceCode") != "ec2" {
		return nil, fail("NoSuchResourceException", "The request failed because the specified quota does not exist.")
	}
	account, value := w.account(), w.r.o.VCPUQuota
	if c.Action == "GetAWSDefaultServiceQuota" { // what a new account has
		if account, value = "", 0; strings.Contains(name, "Standard") {
			value = 5
		}
	}
	return map[string]any{
		"ServiceCode": "ec2", "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
		"QuotaArn":  "arn:aws:servicequotas:" + w.Name + ":" + account + ":ec2/" + code,
		"QuotaCode": code, "QuotaName": name, "Value": value, "Unit": "None", "Adjustable": true, "GlobalQuota": false,
	}, nil
}

func jsonAnswer(status int, out map[string]any) answer {
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // text and numbers always encode
	}
	return answer{status: status, kind: jsonType, body: body}
}

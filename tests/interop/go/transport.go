package main

import (
	"bytes"
	"io"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// ownBodies is the SDK's transport with bodies that nobody closes while they are sent.
//
// The SDK closes a request's body as soon as the answer begins. A server that answers within the
// time that Go's transport takes to look for the body's end makes that look fail, and the transport
// then closes its connection with the answer in it
// (https://github.com/aws/aws-sdk-go-v2/issues/2737). Retries hide it; here there are none.
type ownBodies struct{ inner *awshttp.BuildableClient }

func newOwnBodies() ownBodies { return ownBodies{awshttp.NewBuildableClient()} }

func (client ownBodies) Do(request *http.Request) (*http.Response, error) {
	if request.Body == nil {
		return client.inner.Do(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	own := request.Clone(request.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return client.inner.Do(own)
}

// Package connectortest is what every connector must do, run on a simulator of
// its platform and under every setting of that simulator.
//
// A platform's tests give a Harness: how to open its connector, and how to
// start a hub of some people on its simulator. Run asks for a fresh hub for
// each claim, watches every HTTP exchange from outside (nothing leaves for
// another host, each exchange is reported once, no secret shows), and breaks
// what the claim is about.
//
// A connector whose Traits declare kinds of asset is held to the claims about
// assets, too; its hub is then an AssetHub.
package connectortest

package connectors

// Budget is shared by all hubs of one platform app: reads and writes have
// separate shares, so that a pull cannot starve a removal.
type Budget struct{}

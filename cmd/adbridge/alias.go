package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) alias() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alias",
		Short: "Addresses that belong to a person though no identity provider sends them",
		Long: `A platform may know someone by a former name or a private address. An alias says whose it is: it binds a
member on any hub like an address of the person's own. Invitations never go to it.`,
	}
	cmd.AddCommand(c.aliasAdd(), c.aliasList(), c.aliasRemove())
	return cmd
}

func (c *cli) aliasAdd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "add PERSON ADDRESS --reason WHY",
		Short:   "Say that an address belongs to a person",
		Example: `  adbridge alias add dana@corp.example dana.before@home.example --reason "the account predates the company's"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if reason == "" {
				return wrong("say why with --reason; the audit trail keeps it", "reason: it is missing")
			}
			return c.app(ctx, func(app *App) error {
				var p bridge.Person
				err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
					p, err = onePerson(ctx, tx, args[0])
					return err
				})
				if err != nil {
					return err
				}
				a, err := reconcile.AddAlias(ctx, app.DB, bridge.Alias{PersonID: p.ID, Address: args[1], Reason: reason, By: c.by})
				if err != nil {
					return err
				}
				return c.show(a, say("%s belongs to %s (`adbridge alias remove %s` takes it back)\n", a.Address, p.UserName, a.Address))
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	return cmd
}

// aliasView is an alias with the name of its person.
type aliasView struct {
	bridge.Alias
	UserName string `json:"user_name"`
}

func (c *cli) aliasList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the aliases, with who said so and why",
		Example: "  adbridge alias list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				list, err := tx.Aliases(ctx)
				if err != nil {
					return err
				}
				ids := make([]string, len(list))
				for i, a := range list {
					ids[i] = a.PersonID
				}
				names, err := userNames(ctx, tx, ids)
				if err != nil {
					return err
				}
				views := []aliasView{}
				for _, a := range list {
					views = append(views, aliasView{a, names[a.PersonID]})
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "ADDRESS PERSON BY AT REASON", func(row func(...any)) {
						for _, v := range views {
							row(v.Address, v.UserName, v.By, when(v.At), v.Reason)
						}
					})
				})
			})
		},
	}
}

func (c *cli) aliasRemove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove ADDRESS",
		Short:   "Take an alias back; a member bound by it stays bound until `adbridge match --not`",
		Example: "  adbridge alias remove ana.private@inbox.example",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				a, err := reconcile.RemoveAlias(cmd.Context(), app.DB, args[0], c.by)
				if errors.Is(err, bridge.ErrNotFound) {
					return wrong("`adbridge alias list` shows them", "alias %q: %w", args[0], err)
				}
				if err != nil {
					return err
				}
				return c.show(a, say("%s is nobody's alias any more\n", a.Address))
			})
		},
	}
}

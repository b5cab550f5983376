"""The only place that opens a database: server, roles, units of work, outbox and inbox, jobs, tenancy, vault."""

sed -i '/^session {/a\	sql' /etc/freeradius/3.0/sites-available/default
sed -i '/^simul_verify_query = /,/[^\\]$/s/^/#/' /etc/freeradius/3.0/mods-config/sql/main/sqlite/queries.conf

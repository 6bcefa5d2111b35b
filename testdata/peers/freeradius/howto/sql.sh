install -d -o freerad -g freerad -m 750 /var/lib/freeradius
sed -i -e 's/rlm_sql_null/rlm_sql_sqlite/' -e 's#/tmp/freeradius.db#/var/lib/freeradius/radius.db#' /etc/freeradius/3.0/mods-available/sql
ln -s ../mods-available/sql /etc/freeradius/3.0/mods-enabled/sql

sed -i '/^client localhost {/,/^}/d' /etc/freeradius/3.0/clients.conf

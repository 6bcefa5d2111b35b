INSERT INTO radcheck (username, attribute, op, value) VALUES
  ('austin-01', 'Cleartext-Password', ':=', 'maui-1993'),
  ('austin-01', 'Simultaneous-Use', ':=', '1'),
  ('austin-02', 'Cleartext-Password', ':=', 'hana-1993'),
  ('austin-02', 'Simultaneous-Use', ':=', '1');
INSERT INTO radreply (username, attribute, op, value) VALUES
  ('austin-01', 'Service-Type', '=', 'Callback-NAS-Prompt'),
  ('austin-01', 'Callback-Number', '=', '84001'),
  ('austin-01', 'Cisco-AVPair', '+=', 'shell:nocallback-verify=1'),
  ('austin-02', 'Service-Type', '=', 'Callback-NAS-Prompt'),
  ('austin-02', 'Cisco-AVPair', '+=', 'shell:callback-dialstring=');

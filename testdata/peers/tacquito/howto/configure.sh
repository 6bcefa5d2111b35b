(umask 077; openssl rand -hex 24 > tacacs.secret)
touch tacquito.yaml && chmod 600 tacquito.yaml
cat > tacquito.yaml <<EOF
log: &log {name: file, type: 3}

# what `service=shell cmd=` is answered: called back at a fixed number, without a second login
fixed: &fixed
  name: shell
  set_values:
    - {name: priv-lvl, values: [1]}
    - {name: callback-dialstring, values: ["84001"]}
    - {name: nocallback-verify, values: ["1"]}

# types the number, and logs in again when called back
typed: &typed
  name: shell
  set_values:
    - {name: priv-lvl, values: [1]}
    - {name: callback-dialstring, values: [""]}

users:
  - name: austin-01
    scopes: [callback]
    services: [*fixed]
    accounter: *log
    authenticator: {type: 1, options: {hash: 2432612431302472455937357a4d694c35593963736c6f6c4b2e46782e3941754f586b396139652f675444636f5379617570666b67574d657a7a6153}}
  - name: austin-02
    scopes: [callback]
    services: [*typed]
    accounter: *log
    authenticator: {type: 1, options: {hash: 24326124313024587a476c32354e6e6156537930777972514b62394a65304f6d45573476496c646332626354465a3948697543573746506a47433871}}
  - {name: maui-nas-04, scopes: [callback], accounter: *log} # the user of Accounting-On

# the clients, and the key
secrets:
  - name: callback
    secret: {group: callback, key: $(cat tacacs.secret)}
    handler: {type: 1}
    type: 1
    options:
      prefixes: |
        ["192.0.2.9/32"]
EOF

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=AAA of example.net" -keyout ca.key -out ca.pem
for name in tacacs.example.net maui-nas-04.example.net; do
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr
	echo "subjectAltName = DNS:$name" > $name.ext
	openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile $name.ext -out $name.pem
done

# nginx.sh: sourced after cluster.sh by benchmarks that need an S3-like server. nginx, of Debian's package, as a static server on
# a free port of the loopback: s3://bucket/key is the file $work/www/bucket/key. It ends with the script.
../scripts/setup-packages bench

# nginx_start 'more lines of the server block': sets $port
nginx_start() {
  mkdir -p "$work/www" "$work/nginx"
  port=$((20000 + RANDOM % 20000))
  cat >"$work/nginx/conf" <<CONF
include /etc/nginx/modules-enabled/*.conf;
worker_processes 1;
pid $work/nginx/pid;
error_log $work/nginx/error;
events { worker_connections 512; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  client_body_temp_path $work/nginx; proxy_temp_path $work/nginx; fastcgi_temp_path $work/nginx;
  uwsgi_temp_path $work/nginx; scgi_temp_path $work/nginx;
  server {
    listen 127.0.0.1:$port;
    root $work/www;
    $1
  }
}
CONF
  chmod -R a+rX "$work"
  nginx -p /usr/share/nginx -c "$work/nginx/conf" -e "$work/nginx/error"
  trap 'kill "$(cat "$work/nginx/pid")"; cluster_stop' EXIT
}

# Where S3 is, for the server of that name. nginx looks at no signature.
s3_server() {
  sql "CREATE SERVER $1 FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://127.0.0.1:$port', path_style 'true');
       CREATE USER MAPPING FOR CURRENT_USER SERVER $1 OPTIONS (access_key_id 'AKIAEXAMPLE', secret_access_key 'example')"
}

# seconds 'command …': how long it takes
seconds() {
  local begin=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v us=$((${EPOCHREALTIME/./} - ${begin/./})) 'BEGIN { printf "%.4f\n", us / 1e6 }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# A page of a listing as S3 writes it: s3_page BUCKET FIRST LAST FORMAT_OF_KEYS SIZE ETAG [NEXT_TOKEN]
s3_page() {
  awk -v bucket="$1" -v first="$2" -v last="$3" -v format="$4" -v size="$5" -v etag="$6" -v token="${7:-}" 'BEGIN {
    printf "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>%s</Name><Prefix></Prefix>", bucket
    if (token != "") printf "<NextContinuationToken>%s</NextContinuationToken>", token
    printf "<KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>", last - first + 1, token != "" ? "true" : "false"
    for (i = first; i <= last; i++)
      printf "<Contents><Key>" format "</Key><LastModified>2026-11-20T01:02:03.000Z</LastModified><ETag>&quot;%s&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>", i, etag, size
    print "</ListBucketResult>" }'
}

#include "base/limits.h"
#include "broker/admin.h"

enum { SMALL = 64 << 10 };

/* Longer patterns before those that would take them in. */
const struct broker_route admin_routes[] = {
    {HTTP_GET, "/v1/whoami", ROUTE_OWNER, 0, admin_whoami, "whoami"},
    {HTTP_GET, "/v1/secrets", ROUTE_OWNER, 0, admin_secret_list, "secret-list"},
    {HTTP_GET, "/v1/secrets/{}/{}/{}", ROUTE_OWNER, 0, admin_secret_show, "secret-show"},
    {HTTP_PUT, "/v1/secrets/{}/{}/{}", ROUTE_OWNER, LIMIT_BROKER_BODY, admin_secret_put,
     "secret-put"},
    {HTTP_DELETE, "/v1/secrets/{}/{}/{}", ROUTE_OWNER, 0, admin_secret_delete,
     "secret-delete"},
    {HTTP_POST, "/v1/secrets/{}/{}/{}/versions", ROUTE_OWNER, LIMIT_BROKER_BODY,
     admin_secret_rotate, "secret-rotate"},
    {HTTP_DELETE, "/v1/secrets/{}/{}/{}/versions/{}", ROUTE_OWNER, 0,
     admin_version_delete, "version-delete"},
    {HTTP_GET, "/v1/policies", ROUTE_OWNER, 0, admin_policy_list, "policy-list"},
    {HTTP_GET, "/v1/policies/{...}", ROUTE_OWNER, 0, admin_policy_show, "policy-show"},
    {HTTP_PUT, "/v1/policies/{...}", ROUTE_OWNER, LIMIT_BROKER_BODY, admin_policy_put,
     "policy-put"},
    {HTTP_DELETE, "/v1/policies/{...}", ROUTE_OWNER, 0, admin_policy_delete,
     "policy-delete"},
    {HTTP_GET, "/v1/counters", ROUTE_OWNER, 0, admin_counter_list, "counter-list"},
    {HTTP_DELETE, "/v1/counters/{}/{}/{}", ROUTE_OWNER, 0, admin_counter_delete,
     "counter-delete"},
    {HTTP_GET, "/v1/owners", ROUTE_ADMIN, 0, admin_owner_list, "owner-list"},
    {HTTP_POST, "/v1/owners", ROUTE_ADMIN, SMALL, admin_owner_add, "owner-add"},
    {HTTP_GET, "/v1/owners/{}", ROUTE_OWNER, 0, admin_owner_show, "owner-show"},
    {HTTP_DELETE, "/v1/owners/{}", ROUTE_ADMIN, 0, admin_owner_remove, "owner-remove"},
    {HTTP_POST, "/v1/owners/{}/keys", ROUTE_OWNER, SMALL, admin_key_add, "key-add"},
    {HTTP_DELETE, "/v1/owners/{}/keys/{}", ROUTE_OWNER, 0, admin_key_remove,
     "key-remove"},
    {HTTP_POST, "/v1/owners/{}/repositories", ROUTE_ADMIN, SMALL, admin_repository_add,
     "repository-add"},
    {HTTP_DELETE, "/v1/owners/{}/repositories/{}", ROUTE_ADMIN, 0,
     admin_repository_remove, "repository-remove"},
    {HTTP_POST, "/v1/keys/rotate", ROUTE_ADMIN, SMALL, admin_store_key_rotate,
     "key-rotate"},
    {HTTP_POST, "/v1/keys/rewrap", ROUTE_ADMIN, SMALL, admin_store_key_rewrap,
     "key-rewrap"},
    {0, NULL, ROUTE_OPEN, 0, NULL, NULL},
};

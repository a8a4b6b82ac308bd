export const servicePort = 8080;
export const managementPort = 9090;
export const postgresPort = 5432;

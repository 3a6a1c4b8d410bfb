# connector

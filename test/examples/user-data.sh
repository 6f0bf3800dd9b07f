#!/usr/bin/env python3
print("hi from user data")

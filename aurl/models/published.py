"""placeholder until merge"""

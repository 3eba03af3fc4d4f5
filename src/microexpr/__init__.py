"""microexpr"""
